// In a frame: tells the page around it how high the content is.
if (parent != window)
  new ResizeObserver(() => parent.postMessage({ tocsin: Math.ceil(document.body.getBoundingClientRect().height) }, "*")).observe(document.body);
