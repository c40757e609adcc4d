"""What an admin of the bot sets for a group: who pays, and whether another model may step in."""
