"""A model on this machine: `child` is its process, `weights` its file, `model` who owns both."""
