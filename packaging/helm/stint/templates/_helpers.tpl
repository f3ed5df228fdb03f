{{- define "stint.name" -}}{{ printf "%s" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end }}

{{- define "stint.labels" -}}
app.kubernetes.io/name: stint
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "stint.selector" -}}
app.kubernetes.io/name: stint
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "stint.check" -}}
{{- if not (has .Values.store (list "embedded" "etcd")) }}{{ fail "store must be embedded or etcd" }}{{ end }}
{{- if and (eq .Values.store "etcd") (not .Values.etcd.endpoints) }}{{ fail "store: etcd needs etcd.endpoints" }}{{ end }}
{{- range list "listen" "tls" "plaintext" "data" "root_key" "directory" }}
{{- if hasKey $.Values.config . }}{{ fail (printf "config.%s is written by the chart" .) }}{{ end }}
{{- end }}
{{- end }}

{{- define "stint.config" -}}
{{- $c := deepCopy .Values.config }}
{{- $_ := set $c "listen" "0.0.0.0:8321" }}
{{- $_ := set $c "data" "/var/lib/stint" }}
{{- $_ := set $c "root_key" (dict "file" "" "env" "STINT_ROOT_KEY") }}
{{- if .Values.tlsSecret }}
{{- $_ := set $c "tls" (dict "cert" "/etc/stint/tls/tls.crt" "key" "/etc/stint/tls/tls.key") }}
{{- else }}
{{- $_ := set $c "plaintext" true }}
{{- end }}
{{- if eq .Values.store "etcd" }}
{{- $e := dict "endpoints" .Values.etcd.endpoints "prefix" .Values.etcd.prefix }}
{{- if .Values.etcdSecret }}
{{- $_ := set $e "ca" "/etc/stint/etcd/ca.crt" }}
{{- $_ := set $e "cert" "/etc/stint/etcd/tls.crt" }}
{{- $_ := set $e "key" "/etc/stint/etcd/tls.key" }}
{{- end }}
{{- $_ := set $c "directory" (dict "etcd" $e) }}
{{- end }}
{{- toYaml $c }}
{{- end }}

{{- define "stint.mounts" -}}
- {name: config, mountPath: /etc/stint/stint.yaml, subPath: stint.yaml, readOnly: true}
- {name: data, mountPath: /var/lib/stint}
{{- if .Values.tlsSecret }}
- {name: tls, mountPath: /etc/stint/tls, readOnly: true}
{{- end }}
{{- if .Values.etcdSecret }}
- {name: etcd, mountPath: /etc/stint/etcd, readOnly: true}
{{- end }}
{{- end }}

{{- define "stint.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: STINT_ROOT_KEY
    valueFrom: {secretKeyRef: {name: {{ .Values.rootKeySecret }}, key: root-key}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "stint.pod" -}}
metadata:
  labels: {{- include "stint.selector" . | nindent 4 }}
  annotations:
    checksum/config: {{ include "stint.config" . | sha256sum }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  initContainers:
    - name: init
      {{- include "stint.container" . | nindent 6 }}
      args: [init, --config, /etc/stint/stint.yaml, --account, {{ .Values.init.account | quote }}, --if-needed]
      volumeMounts: {{- include "stint.mounts" . | nindent 8 }}
  containers:
    - name: stint
      {{- include "stint.container" . | nindent 6 }}
      args: [serve, --config, /etc/stint/stint.yaml]
      ports:
        - {name: api, containerPort: 8321}
      readinessProbe:
        tcpSocket: {port: api}
        periodSeconds: 5
      livenessProbe:
        tcpSocket: {port: api}
        periodSeconds: 10
        failureThreshold: 6
      resources: {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts: {{- include "stint.mounts" . | nindent 8 }}
  volumes:
    - {name: config, configMap: {name: {{ include "stint.name" . }}}}
    {{- if .Values.tlsSecret }}
    - name: tls
      secret: {secretName: {{ .Values.tlsSecret }}, defaultMode: 0440}
    {{- end }}
    {{- if .Values.etcdSecret }}
    - name: etcd
      secret: {secretName: {{ .Values.etcdSecret }}, defaultMode: 0440}
    {{- end }}
    {{- if eq .Values.store "etcd" }}
    - {name: data, emptyDir: {}}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
