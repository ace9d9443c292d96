"""Files: raw files found, partitions of the lake, the model registry. Local disks and object stores alike."""
