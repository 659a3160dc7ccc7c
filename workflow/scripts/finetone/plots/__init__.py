"""Pictures: `draw_x(tables…, style, target)` of a module here writes one SVG."""
