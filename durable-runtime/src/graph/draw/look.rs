//! How everything in a drawing looks: a row for each kind of operation, and one for each other symbol.

use super::super::OperationKind;

/// What a shape of a drawing stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Start,
    End,
    Operation(OperationKind),
    /// The head of a branch or a loop.
    Condition,
    /// The head of a parallel part or a scope.
    Title,
    /// Where arms meet.
    ArmsMeet,
    /// Where lanes meet.
    LanesMeet,
    Compensation,
    /// An end of the way back.
    UndoEnd,
}

/// How the operations of a kind look.
pub(super) struct OperationLook {
    /// The class of their shapes.
    pub(super) class: &'static str,
    pub(super) form: Form,
    /// The colors of the ground, of its edge and of the icon, which SVG alone has.
    pub(super) ground: &'static str,
    pub(super) edge: &'static str,
    pub(super) icon_color: &'static str,
    /// The ground and the icon where the viewer asks for dark colors.
    pub(super) dark_ground: &'static str,
    pub(super) dark_icon_color: &'static str,
    /// The icon: a path around the origin.
    pub(super) icon: &'static str,
}

impl OperationLook {
    pub(super) fn of(kind: OperationKind) -> Self {
        match kind {
            OperationKind::Step => Self {
                class: "step",
                form: Form::Box,
                ground: "#eff6ff",
                edge: "#3b82f6",
                icon_color: "#2563eb",
                dark_ground: "#172a4d",
                dark_icon_color: "#60a5fa",
                icon: "M-5 0L-1.5 3.5L5 -4",
            },
            OperationKind::Sleep => Self {
                class: "sleep",
                form: Form::Pill,
                ground: "#fffbeb",
                edge: "#d97706",
                icon_color: "#b45309",
                dark_ground: "#3a2a0c",
                dark_icon_color: "#fbbf24",
                icon: "M0 -7A7 7 0 1 1 -0.01 -7M0 -3.5V0.5L3 2",
            },
            OperationKind::Signal { .. } => Self {
                class: "signal",
                form: Form::Flag,
                ground: "#ecfdf5",
                edge: "#059669",
                icon_color: "#047857",
                dark_ground: "#0b3327",
                dark_icon_color: "#34d399",
                icon: "M-7 -4.5H7V5H-7ZM-7 -4L0 1.5L7 -4",
            },
            OperationKind::Child { .. } => Self {
                class: "child",
                form: Form::DoubleBox,
                ground: "#f5f3ff",
                edge: "#7c3aed",
                icon_color: "#6d28d9",
                dark_ground: "#2a1b52",
                dark_icon_color: "#a78bfa",
                icon: "M-7 -7H1V1H-7ZM-2 4V7H6V-1H4",
            },
        }
    }

    /// The looks of all kinds.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        OperationKind::ALL.iter().copied().map(Self::of)
    }
}

/// How a symbol looks in the formats that other tools lay out.
pub(super) struct FlowLook {
    /// The class of Mermaid, which has the colors of this and the same.
    pub(super) class: &'static str,
    pub(super) form: Form,
    pub(super) ground: &'static str,
    pub(super) edge: &'static str,
    pub(super) ink: &'static str,
}

/// The color of texts that have no other.
pub(super) const INK: &str = "#1e293b";

impl Symbol {
    pub(super) fn flow_look(self) -> FlowLook {
        let (class, form, ground, edge, ink) = match self {
            Self::Start | Self::End => ("start", Form::Pill, "#334155", "#334155", "#f8fafc"),
            Self::Operation(kind) => {
                let look = OperationLook::of(kind);
                (look.class, look.form, look.ground, look.edge, INK)
            }
            Self::Condition | Self::Title => ("head", Form::Hexagon, "#f1f5f9", "#64748b", INK),
            Self::ArmsMeet | Self::LanesMeet => ("head", Form::Point, "#f1f5f9", "#64748b", INK),
            Self::Compensation => ("undo", Form::Box, "#fef2f2", "#dc2626", "#7f1d1d"),
            Self::UndoEnd => ("undo", Form::Pill, "#fef2f2", "#dc2626", "#7f1d1d"),
        };
        FlowLook {
            class,
            form,
            ground,
            edge,
            ink,
        }
    }
}

/// The outlines that shapes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Box,
    Pill,
    Flag,
    DoubleBox,
    Hexagon,
    Point,
}

impl Form {
    /// What Mermaid puts around a text.
    pub(super) fn mermaid(self) -> (&'static str, &'static str) {
        match self {
            Self::Box => ("[\"", "\"]"),
            Self::Pill => ("([\"", "\"])"),
            Self::Flag => ("[/\"", "\"/]"),
            Self::DoubleBox => ("[[\"", "\"]]"),
            Self::Hexagon => ("{{\"", "\"}}"),
            Self::Point => ("((", "))"),
        }
    }

    /// The attributes of DOT.
    pub(super) fn dot(self) -> &'static str {
        match self {
            Self::Box => "shape=box",
            Self::Pill => "shape=box, style=\"filled,rounded\"",
            Self::Flag => "shape=cds, margin=\"0.25,0.15\"",
            Self::DoubleBox => "shape=box, peripheries=2",
            Self::Hexagon => "shape=hexagon",
            Self::Point => "shape=point, width=0.08",
        }
    }

    /// How far SVG rounds the corners of a shape of this height.
    pub(super) fn corner(self, height: i32) -> i32 {
        match self {
            Self::Pill => height / 2,
            _ => 7,
        }
    }
}
