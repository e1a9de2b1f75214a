// Grafana's types of what a dashboard holds, as JSON writes it: an enumeration by its value.
import type { AnnotationQuery, Dashboard, VariableModel } from '@grafana/schema';

export type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

// What Grafana reads and writes beyond its schema: queries of annotations in the form of the data
// source plugin, and the text of a variable's query.
type PrometheusAnnotation = Plain<AnnotationQuery> & {
  expr: string;
  step: string;
  titleFormat: string;
  textFormat: string;
  tagKeys: string;
  useValueForTime?: boolean;
};

type Variable = Plain<VariableModel> & { definition?: string };

export type PlainDashboard = Omit<Plain<Dashboard>, 'annotations' | 'templating'> & {
  annotations: { list: PrometheusAnnotation[] };
  templating: { list: Variable[] };
};
