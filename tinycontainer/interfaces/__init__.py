"""What outsiders implement, and the values that cross these borders."""
