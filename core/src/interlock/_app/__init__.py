"""An application: built from aggregates and settings, started and closed."""
