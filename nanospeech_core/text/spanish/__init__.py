"""How Spanish is written and read aloud."""
