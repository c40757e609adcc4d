"""What every room stands on: the database bridge, HTTP clients, trace ids, locks between processes."""
