"""What the languages share to read written text: tables of rules, and characters that mean plainer ones."""
