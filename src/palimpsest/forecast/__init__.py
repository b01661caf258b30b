"""What a run will take, before anything is spent: jobs, their work, time, disk, and a budget."""
