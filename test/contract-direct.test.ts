import { afterAll, beforeAll, describe } from "vitest";
import { contract } from "./contract.ts";
import { manyStreamsContract } from "./contract-many-streams.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";

describe("the contract without Kafka and Redis", () => {
  let stack: TestStack;

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 200 }, kafka: false, redis: false });
    await pricesFlow(stack);
    await pricesFlow(stack, "ETH-KRW");
  });

  afterAll(() => stack?.stop());

  manyStreamsContract(() => stack);
  contract(() => stack);
});
