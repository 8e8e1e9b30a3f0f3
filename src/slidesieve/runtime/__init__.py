"""Devices, memory, threads and logs of a job."""
