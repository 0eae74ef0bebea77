"""The timeline and the cards of the overview: from figures to shapes and texts, which templates write as SVG."""
