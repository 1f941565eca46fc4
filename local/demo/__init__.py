"""The demonstration: a night of charging on the embedded cloud, told by what the deployed stack has recorded."""
