// Strokes of a pen on a canvas.

/**
 * Draw strokes, each `{width, points: [[x, y], ...]}` in units of the sheet's height.
 *
 * The line goes through the midpoints and bends at the points, so that fast strokes have no corners.
 */
export function drawStrokes(context, strokes, unit, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineCap = context.lineJoin = "round";
  for (const { width, points } of strokes) {
    context.lineWidth = width * unit;
    context.beginPath();
    const [[x, y]] = points;
    context.moveTo(x * unit, y * unit);
    // A single point is a dot: a line of length zero with round ends.
    if (points.length === 1) context.lineTo(x * unit, y * unit);
    for (let place = 1; place < points.length; place += 1) {
      const [fromX, fromY] = points[place - 1];
      const [toX, toY] = points[place];
      const [midX, midY] = [(fromX + toX) / 2, (fromY + toY) / 2];
      context.quadraticCurveTo(fromX * unit, fromY * unit, midX * unit, midY * unit);
    }
    const [lastX, lastY] = points.at(-1);
    context.lineTo(lastX * unit, lastY * unit);
    context.stroke();
  }
}

/** Draw the position of the pen, `{point, isDown}`: a ring, filled while it is down. */
export function drawCursor(context, { point, isDown }, unit, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2 * devicePixelRatio;
  context.beginPath();
  context.arc(point[0] * unit, point[1] * unit, 9 * devicePixelRatio, 0, 2 * Math.PI);
  context.stroke();
  if (isDown) context.fill();
}

/** Return strokes as a picture file, black on white, of `width` x `height` pixels. */
export function pictureOf(strokes, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  drawStrokes(context, strokes, height, "black");
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
