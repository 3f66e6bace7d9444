"""Alembic revisions: `version_locations = interlock_sqlalchemy_events:migrations`."""
