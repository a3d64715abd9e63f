/**
 * Where Redis is. Apart from what connects to it, so that the types of the configuration name no library that is not
 * installed everywhere.
 */
export interface RedisTarget {
  /** The server; of a cluster, some of its nodes. */
  nodes: { host: string; port: number }[];
  isCluster: boolean;
  tls: boolean;
  /** Of an ACL user; the default user's password may stand alone. */
  username?: string;
  password?: string;
  /** 0 in a cluster. */
  database: number;
  /** Before every key; in a cluster with a hash tag, so that all keys of the queue lie on one node. */
  prefix: string;
}
