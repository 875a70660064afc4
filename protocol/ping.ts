/** Keep-alive texts. They stand alone, without the schemas of the other frames, because a browser needs them too. */

/** Sent as exactly this text, a ping is answered without waking the server. */
export const PING_TEXT = '{"op":"ping"}';
export const PONG_TEXT = '{"op":"pong"}';
