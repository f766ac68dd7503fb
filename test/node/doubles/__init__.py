"""Stand-ins for the clouds that refuse what the clouds refuse."""
