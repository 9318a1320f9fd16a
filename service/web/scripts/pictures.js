// Pictures that are chosen, pasted or dropped.

// A camera's picture is made smaller here: no digit needs more, and the service takes no larger one.
const MOST_PIXELS = 6_000_000;

/** Let the page hand pictures to `lay(file)`: those dropped on it or pasted. */
export function usePictures(lay) {
  document.addEventListener("paste", (event) => handOver(event.clipboardData, event, lay));
  document.addEventListener("drop", (event) => {
    markAll(false);
    handOver(event.dataTransfer, event, lay);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    markAll(event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) markAll(false);
  });
}

/** The file itself, or a smaller one of the same picture where it is larger than need be. */
export async function shrunk(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    // No picture, or of a kind that this browser does not know: the service looks for itself.
    return file;
  }
  const pixels = bitmap.width * bitmap.height;
  if (pixels <= MOST_PIXELS) return file;
  const scale = Math.sqrt(MOST_PIXELS / pixels);
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.floor(side * scale));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

function handOver(data, event, lay) {
  const [file] = data?.files ?? [];
  if (!file) return;
  event.preventDefault();
  lay(file);
}

function markAll(isOver) {
  for (const pad of document.querySelectorAll(".pad")) pad.classList.toggle("over", isOver);
}
