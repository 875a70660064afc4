import { larger, ONE, scaled } from "./scaled.ts";
import { type Quote, tickSize } from "./ticks.ts";

/** What is needed to open a market; `price` (scaled by 10^8) is where its walk starts and what it is pulled back to. */
export interface Listing {
  /** Quote first: KRW-BTC. */
  readonly code: string;
  readonly koreanName: string;
  readonly englishName: string;
  readonly price: bigint;
}

type Coin = readonly [code: string, koreanName: string, englishName: string, price: string];

/** Base code, Korean name, English name, price in KRW; the order is how busy the coin is. */
const COINS = [
  ["BTC", "비트코인", "Bitcoin", "122720000"],
  ["ETH", "이더리움", "Ethereum", "4215000"],
  ["XRP", "엑스알피(리플)", "XRP", "3120"],
  ["USDT", "테더", "Tether", "1452"],
  ["SOL", "솔라나", "Solana", "198500"],
  ["DOGE", "도지코인", "Dogecoin", "236"],
  ["ADA", "에이다", "Ada", "812"],
  ["SUI", "수이", "Sui", "2954"],
  ["LINK", "체인링크", "Chainlink", "22480"],
  ["TRX", "트론", "TRON", "418"],
  ["AVAX", "아발란체", "Avalanche", "26350"],
  ["XLM", "스텔라루멘", "Lumen", "402"],
  ["SHIB", "시바이누", "Shiba Inu", "0.01382"],
  ["PEPE", "페페", "PEPE", "0.00951"],
  ["BCH", "비트코인캐시", "Bitcoin Cash", "742500"],
  ["HBAR", "헤데라", "Hedera", "243"],
  ["DOT", "폴카닷", "Polkadot", "4386"],
  ["UNI", "유니스왑", "Uniswap", "10240"],
  ["AAVE", "에이브", "Aave", "318400"],
  ["NEAR", "니어프로토콜", "NEAR Protocol", "3421"],
  ["APT", "앱토스", "Aptos", "5120"],
  ["ETC", "이더리움클래식", "Ethereum Classic", "24310"],
  ["ATOM", "코스모스", "Cosmos", "4920"],
  ["ARB", "아비트럼", "Arbitrum", "486"],
  ["SEI", "세이", "Sei", "287"],
  ["ONDO", "온도파이낸스", "Ondo Finance", "1034"],
  ["STX", "스택스", "Stacks", "741"],
  ["IMX", "이뮤터블엑스", "Immutable X", "712"],
  ["SAND", "샌드박스", "The Sandbox", "312"],
  ["MANA", "디센트럴랜드", "Decentraland", "358"],
  ["AXS", "엑시인피니티", "Axie Infinity", "2412"],
  ["CHZ", "칠리즈", "Chiliz", "48.3"],
  ["VET", "비체인", "VeChain", "27.4"],
  ["ALGO", "알고랜드", "Algorand", "271"],
  ["ENS", "이더리움네임서비스", "Ethereum Name Service", "21340"],
  ["NEO", "네오", "NEO", "7420"],
  ["QTUM", "퀀텀", "Qtum", "2864"],
  ["XTZ", "테조스", "Tezos", "942"],
  ["ZIL", "질리카", "Zilliqa", "13.7"],
  ["KAVA", "카바", "Kava", "412"],
  ["BAT", "베이직어텐션토큰", "Basic Attention Token", "198"],
  ["1INCH", "1인치네트워크", "1inch Network", "324"],
  ["ICX", "아이콘", "Icon", "146"],
  ["STEEM", "스팀", "Steem", "173"],
  ["MED", "메디블록", "MediBloc", "6.82"],
  ["BTT", "비트토렌트", "BitTorrent", "0.000812"],
] as const;

/** Coins that "all" leaves out, as not every exchange has them; they can be named. */
const ELSEWHERE = [
  ["BNB", "비앤비", "BNB", "1254000"],
  ["USDC", "유에스디코인", "USD Coin", "1452"],
  ["FDUSD", "퍼스트디지털유에스디", "First Digital USD", "1450"],
] as const;

const BTC_QUOTED = [
  "ETH",
  "XRP",
  "SOL",
  "ADA",
  "LINK",
  "AVAX",
  "BCH",
  "DOT",
  "UNI",
  "AAVE",
  "ETC",
  "NEO",
  "QTUM",
  "ENS",
];
const USDT_QUOTED = ["BTC", "ETH", "XRP", "SOL", "DOGE", "ADA", "LINK", "TRX", "SHIB", "PEPE", "SUI", "AVAX"];

/** The bases of each quote currency, "all" for every coin that is not left out; the order of the quotes is kept. */
export type Bases = Readonly<Partial<Record<Quote, "all" | readonly string[]>>>;

/** The listings of an exchange: quote by quote, the busiest coin of each first. @throws {RangeError} naming an unknown base */
export function listingsFor(quotes: Bases): Listing[] {
  return Object.entries(quotes).flatMap(([quote, bases]) => {
    const coins = bases === "all" ? COINS : bases.map(coin);
    return coins.filter(([base]) => base !== quote).map((one) => listing(quote, one));
  });
}

/** The default listings: Upbit's. */
export function defaultListings(): Listing[] {
  return listingsFor({ KRW: "all", USDT: USDT_QUOTED, BTC: BTC_QUOTED });
}

function listing(quote: string, [base, koreanName, englishName, price]: Coin): Listing {
  const inQuote = (scaled(price) * ONE) / (quote === "KRW" ? ONE : scaled(coin(quote)[3]));
  const tick = tickSize(quote, inQuote);
  return { code: `${quote}-${base}`, koreanName, englishName, price: larger((inQuote / tick) * tick, tick) };
}

function coin(code: string): Coin {
  const found = [...COINS, ...ELSEWHERE].find(([base]) => base === code);
  if (!found) throw new RangeError(`the catalogue has no coin ${code}`);
  return found;
}
