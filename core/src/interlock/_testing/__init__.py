"""What tests of users' aggregates call; no part of a running application."""
