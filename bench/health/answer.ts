/** What the endpoint answers. */
export const BODY = '{"status":"ok"}';
