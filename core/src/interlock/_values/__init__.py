"""What values are: whether one survives its encoding. The lowest wing; it imports pydantic only."""
