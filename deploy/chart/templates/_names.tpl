{{- define "tutorstream.name" -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "tutorstream.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "tutorstream.secret" -}}
{{ .Values.secret.existing | default (include "tutorstream.name" .) }}
{{- end }}
