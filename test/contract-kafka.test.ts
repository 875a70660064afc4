import { afterAll, beforeAll } from "vitest";
import { requireKafka, requireRedis } from "../local/testing.ts";
import { contract } from "./contract.ts";
import { manyStreamsContract } from "./contract-many-streams.ts";
import { pricesFlow, startTestStack, type TestStack } from "./support/stack.ts";

const kafka = await requireKafka();
await requireRedis();
kafka.describe("the contract with Kafka and Redis", () => {
  let stack: TestStack;

  beforeAll(async () => {
    stack = await startTestStack({ simulator: { rate: 200 } });
    await pricesFlow(stack);
    await pricesFlow(stack, "ETH-KRW");
  });

  afterAll(() => stack?.stop());

  manyStreamsContract(() => stack);
  contract(() => stack);
});
