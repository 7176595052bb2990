"""Work that is divided: into parts for job arrays, and over the machines of a Ray cluster."""
