"""What both backends share: config, text, audio, schedules, plans, checkpoints. No MLX, no torch."""
