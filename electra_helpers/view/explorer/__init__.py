"""The token explorer: the widget, what it shows, and its JavaScript and CSS."""
