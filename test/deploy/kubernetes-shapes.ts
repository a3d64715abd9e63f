/**
 * The shapes of the Kubernetes objects that `deploy/kubernetes` has, checked by hand against the API's reference: the fields that we use, those that
 * the API demands, and no other, so that a slip in a name is found here and not by a cluster. To use another field, add it.
 */
import { z } from 'zod';

const text = z.string().min(1);
const port = z.union([z.int().min(1).max(65_535), text]);
const labels = z.record(z.string(), z.string());
const meta = z.strictObject({
  name: text.regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/),
  namespace: z.literal('nightdesk'),
  labels: labels.optional(),
  annotations: labels.optional(),
});
const selector = z.strictObject({ matchLabels: labels });
const named = z.strictObject({ name: text });

const probe = z.strictObject({
  httpGet: z.strictObject({ path: text.startsWith('/'), port: text }),
  periodSeconds: z.int().min(1),
  timeoutSeconds: z.int().min(1).optional(),
  failureThreshold: z.int().min(1),
});
const quantity = text.regex(/^\d+(m|Mi|Gi)?$/);

const container = z.strictObject({
  name: text,
  image: text,
  args: z.array(text),
  envFrom: z.array(z.union([z.strictObject({ configMapRef: named }), z.strictObject({ secretRef: named })])),
  env: z.array(z.strictObject({ name: text, value: z.string() })),
  ports: z.array(z.strictObject({ name: text.max(15), containerPort: z.int() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: z.strictObject({
    requests: z.strictObject({ cpu: quantity, memory: quantity }),
    limits: z.strictObject({ memory: quantity }),
  }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(z.strictObject({ name: text, mountPath: text.startsWith('/') })),
});

const podSpec = z.strictObject({
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  terminationGracePeriodSeconds: z.int(),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.literal(1000),
    runAsGroup: z.literal(1000),
    fsGroup: z.literal(1000),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  topologySpreadConstraints: z.array(
    z.strictObject({
      maxSkew: z.int().min(1),
      topologyKey: text,
      whenUnsatisfiable: z.enum(['ScheduleAnyway', 'DoNotSchedule']),
      labelSelector: selector,
    }),
  ),
  containers: z.tuple([container]),
  volumes: z.array(z.strictObject({ name: text, emptyDir: z.strictObject({}) })),
});

export const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata: meta,
  spec: z.strictObject({
    replicas: z.int().min(2),
    revisionHistoryLimit: z.int(),
    strategy: z.strictObject({
      type: z.literal('RollingUpdate'),
      rollingUpdate: z.strictObject({ maxUnavailable: z.literal(0), maxSurge: z.int().min(1) }),
    }),
    selector,
    template: z.strictObject({
      metadata: z.strictObject({ labels, annotations: labels }),
      spec: podSpec,
    }),
  }),
});

const servicePort = z.strictObject({ name: text, port, targetPort: port });
export const service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata: meta,
  spec: z.strictObject({ selector: labels, ports: z.array(servicePort).min(1) }),
});

export const disruptionBudget = z.strictObject({
  apiVersion: z.literal('policy/v1'),
  kind: z.literal('PodDisruptionBudget'),
  metadata: meta,
  spec: z.union([
    z.strictObject({ minAvailable: z.int().min(1), selector }),
    z.strictObject({ maxUnavailable: z.int().min(1), selector }),
  ]),
});

const backend = z.strictObject({
  service: z.strictObject({ name: text, port: z.strictObject({ name: text }) }),
});
export const ingress = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('Ingress'),
  metadata: meta,
  spec: z.strictObject({
    ingressClassName: text,
    tls: z.array(z.strictObject({ hosts: z.array(text).min(1), secretName: text })).min(1),
    rules: z
      .array(
        z.strictObject({
          host: text,
          http: z.strictObject({
            paths: z.array(
              z.strictObject({
                path: text.startsWith('/'),
                pathType: z.enum(['Prefix', 'Exact', 'ImplementationSpecific']),
                backend,
              }),
            ),
          }),
        }),
      )
      .min(1),
  }),
});

const peer = z.strictObject({ namespaceSelector: selector });
export const networkPolicy = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('NetworkPolicy'),
  metadata: meta,
  spec: z.strictObject({
    podSelector: selector,
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).min(1),
    ingress: z.array(
      z.strictObject({
        from: z.array(peer).optional(),
        ports: z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port })),
      }),
    ),
  }),
});

export const configMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata: meta,
  data: z.record(z.string(), z.string()),
});

export const secret = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Secret'),
  metadata: meta,
  type: z.literal('Opaque'),
  stringData: z.record(z.string(), z.string()),
});

export const namespace = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Namespace'),
  metadata: z.strictObject({ name: z.literal('nightdesk'), labels }),
});

export const anyObject = z.discriminatedUnion('kind', [
  deployment,
  service,
  disruptionBudget,
  ingress,
  networkPolicy,
  configMap,
  secret,
  namespace,
]);
export type KubernetesObject = z.infer<typeof anyObject>;
