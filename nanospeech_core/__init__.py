"""What both backends share: config, text, audio, schedules, plans, checkpoints. Imports neither MLX nor torch."""
