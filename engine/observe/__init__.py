"""What the daemon lets others see of it: metrics, stacks, stalls of its loop, a bundle for a bug report, its service manager."""
