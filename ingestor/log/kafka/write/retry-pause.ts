/** Between two attempts at something that Kafka refused, ms. */
const PAUSE = 250;

/** Not in step with another collector that tries the same. */
export function retryPause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE * (1 + Math.random())));
}
