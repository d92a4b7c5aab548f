/** Who has sent a request. */
export interface Who {
  /** The client's own address. */
  address: string;
  /** The user's name; undefined for a link, and where nobody logs in. */
  user?: string;
  /** How the client has shown who it is. */
  by: 'nobody asks' | 'password' | 'session' | 'link' | 'certificate' | 'proxy' | 'operator';
  /** Returns whether that still holds: the user is still listed, the session has not ended. */
  isValid(): boolean;
}
