//! Drawings of a graph: as Mermaid, as DOT, and as SVG with a layout of its own.

mod dot;
mod flow;
mod layout;
mod look;
mod measure;
mod mermaid;
mod scene;
mod svg;
#[cfg(test)]
mod tests;
mod words;

use super::Graph;

impl Graph {
    /// Draws the graph as an SVG image that stands alone: readable on light and on dark ground, with
    /// the compensations as the way back.
    ///
    /// Each operation is a group with the attribute `data-operation`, its name with the names of the
    /// scopes around it (`billing/charge`).
    ///
    /// ```
    /// use durable_runtime::graph::{Body, Graph};
    ///
    /// let graph = Graph { workflow: "order", was: &[], body: Body::of(&[]) };
    /// assert!(graph.to_svg().starts_with("<svg "));
    /// ```
    pub fn to_svg(&self) -> String {
        svg::write(&layout::draw(self))
    }

    /// Draws the graph as a [Mermaid](https://mermaid.js.org) flowchart, which many code hosts render.
    ///
    /// ```
    /// use durable_runtime::graph::{Body, Graph};
    ///
    /// let graph = Graph { workflow: "order", was: &[], body: Body::of(&[]) };
    /// assert!(graph.to_mermaid().starts_with("flowchart TD\n"));
    /// ```
    pub fn to_mermaid(&self) -> String {
        mermaid::write(&flow::Flow::of(self))
    }

    /// Draws the graph in the DOT language of Graphviz.
    ///
    /// ```
    /// use durable_runtime::graph::{Body, Graph};
    ///
    /// let graph = Graph { workflow: "order", was: &[], body: Body::of(&[]) };
    /// assert!(graph.to_dot().starts_with("digraph \"order\" {\n"));
    /// ```
    pub fn to_dot(&self) -> String {
        dot::write(&flow::Flow::of(self))
    }
}
