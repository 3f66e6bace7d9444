"""Interlock's event store on NATS JetStream."""
