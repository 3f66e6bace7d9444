"""From TOML to checked settings."""
