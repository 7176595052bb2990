"""What both backends' sample loops are told: options, schedules, decoding order, random numbers."""
