// Chosen, pasted or dropped pictures.

// Photos are scaled down here: no digit needs more pixels, and the service accepts no more.
const MAX_PIXELS = 6_000_000;

/** Pass pictures that are dropped or pasted to `lay(file)`. */
export function usePictures(lay) {
  document.addEventListener("paste", (event) => passOn(event.clipboardData, event, lay));
  document.addEventListener("drop", (event) => {
    markAll(false);
    passOn(event.dataTransfer, event, lay);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    markAll(event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) markAll(false);
  });
}

/** Return the file, or a smaller version of a large picture. */
export async function shrunk(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    // No picture, or an unknown format: leave it to the service.
    return file;
  }
  const pixels = bitmap.width * bitmap.height;
  if (pixels <= MAX_PIXELS) return file;
  const scale = Math.sqrt(MAX_PIXELS / pixels);
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.floor(side * scale));
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

function passOn(data, event, lay) {
  const [file] = data?.files ?? [];
  if (!file) return;
  event.preventDefault();
  lay(file);
}

function markAll(isOver) {
  for (const pad of document.querySelectorAll(".pad")) pad.classList.toggle("over", isOver);
}
