"""Who lives in a home: size, children, people of 65 and over, learned from a survey."""
