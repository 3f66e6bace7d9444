"""Values of fields: what JSON keeps of them, what configuration may show of them, ids."""
