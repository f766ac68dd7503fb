import { runDemo } from "../support/demo";

it("the demo takes less than 3 minutes on a quiet machine", () => {
  // What is installed once is not counted.
  runDemo();
  const started = Date.now();
  runDemo();
  expect(Date.now() - started).toBeLessThan(180_000);
});
