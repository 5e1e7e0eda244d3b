//! Conditions on rows, as a flat list of steps: however many terms a filter has, and however they are nested, building,
//! copying, rendering and dropping it recurse no deeper than the logarithm of their number.

use std::collections::VecDeque;
use std::fmt::Write as _;

use sea_query::{Cond, Expr};

use crate::Backend;
use crate::expression::Term;

/// A condition in postfix order: the terms, each operator behind its operands.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    steps: VecDeque<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Term(Term),
    /// What the last so many operands come to.
    Join(Join, usize),
    Not,
}

/// How terms are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// All of them hold.
    All,
    /// One of them holds.
    Any,
}

impl Join {
    fn inverted(self) -> Self {
        match self {
            Join::All => Join::Any,
            Join::Any => Join::All,
        }
    }
}

impl<T: Into<Term>> From<T> for Condition {
    fn from(term: T) -> Self {
        Condition { steps: VecDeque::from([Step::Term(term.into())]) }
    }
}

impl Condition {
    /// All of these hold, or one of them does; of none, every row or no row.
    #[cfg(any(feature = "plugins", test))]
    pub(crate) fn joined(join: Join, conditions: impl IntoIterator<Item = Condition>) -> Self {
        let none = Condition { steps: VecDeque::from([Step::Join(join, 0)]) };
        conditions.into_iter().reduce(|all, one| all.and_then(join, one)).unwrap_or(none)
    }

    /// This and another one. What was joined in the same way before stays one list.
    pub(crate) fn and_then(self, join: Join, other: Condition) -> Self {
        let ((mut left, before), (mut right, behind)) = (self.operands(join), other.operands(join));
        // The shorter is moved to the longer, so that a filter that is built term by term costs each term once.
        if left.len() >= right.len() {
            left.append(&mut right);
        } else {
            while let Some(step) = left.pop_back() {
                right.push_front(step);
            }
            left = right;
        }
        left.push_back(Step::Join(join, before + behind));
        Condition { steps: left }
    }

    fn operands(mut self, join: Join) -> (VecDeque<Step>, usize) {
        match self.steps.back() {
            Some(Step::Join(last, count)) if *last == join => {
                let count = *count;
                self.steps.pop_back();
                (self.steps, count)
            }
            _ => (self.steps, 1),
        }
    }

    /// The opposite; neither holds where a null leaves it open.
    pub(crate) fn inverted(mut self) -> Self {
        match self.steps.back() {
            Some(Step::Not) => drop(self.steps.pop_back()),
            _ => self.steps.push_back(Step::Not),
        }
        self
    }

    /// The condition for a statement.
    pub(crate) fn render(self, backend: Backend) -> Cond {
        let mut steps = self.steps;
        match (steps.pop_front(), steps.is_empty()) {
            (Some(Step::Term(term)), true) => Cond::all().add(term.on(backend)),
            (Some(first), _) => {
                steps.push_front(first);
                Cond::all().add(Tree::new(steps).render(backend))
            }
            (None, _) => Cond::all(),
        }
    }
}

/// Up to this depth, joined terms are written as they are; databases limit how deep an expression may be (SQLite: 1,000
/// levels, PostgreSQL and MariaDB: their stack).
const PLAIN_DEPTH_MAX: usize = 16;

/// So many terms stand beside each other; more are put in parentheses by halves, since a list of terms is as deep as it
/// is long to SQLite.
const BESIDE_MAX: usize = 16;

/// The steps as a tree without NOT above a term. Children come before their parents.
struct Tree {
    nodes: Vec<Node>,
}

struct Node {
    kind: Kind,
    depth: usize,
    terms: usize,
}

enum Kind {
    /// Taken over by its parent.
    Moved,
    Term(Term, bool),
    Join(Join, Vec<usize>),
}

impl Tree {
    fn new(steps: VecDeque<Step>) -> Self {
        enum Raw {
            Term(Term),
            Join(Join, Vec<usize>),
            Not(usize),
        }
        let mut raw = Vec::with_capacity(steps.len());
        let mut operands = Vec::new();
        for step in steps {
            raw.push(match step {
                Step::Term(term) => Raw::Term(term),
                Step::Join(join, count) => Raw::Join(join, operands.split_off(operands.len() - count)),
                Step::Not => Raw::Not(operands.split_off(operands.len() - 1)[0]),
            });
            operands.push(raw.len() - 1);
        }
        // From the root down: a NOT moves to the terms, which leaves the same rows, also where there are nulls.
        let mut inverted = vec![false; raw.len()];
        for (index, one) in raw.iter().enumerate().rev() {
            match one {
                Raw::Term(_) => {}
                Raw::Join(_, children) => {
                    children.iter().for_each(|child| inverted[*child] = inverted[index])
                }
                Raw::Not(child) => inverted[*child] = !inverted[index],
            }
        }
        // From the terms up.
        let mut tree = Tree { nodes: Vec::with_capacity(raw.len()) };
        for (one, inverted) in raw.into_iter().zip(inverted) {
            let kind = match one {
                Raw::Term(term) => Kind::Term(term, inverted),
                Raw::Not(child) => tree.take(child),
                Raw::Join(join, children) => {
                    let join = if inverted { join.inverted() } else { join };
                    let mut operands = Vec::with_capacity(children.len());
                    for child in children {
                        match &tree.nodes[child].kind {
                            Kind::Join(same, _) if *same == join => {
                                if let Kind::Join(_, mut theirs) = tree.take(child) {
                                    operands.append(&mut theirs);
                                }
                            }
                            _ => operands.push(child),
                        }
                    }
                    if join == Join::Any && operands.len() > BESIDE_MAX {
                        tree.gather(&mut operands);
                    }
                    Kind::Join(join, operands)
                }
            };
            let (depth, terms) = match &kind {
                Kind::Join(_, children) => children.iter().fold((1, 0), |(depth, terms), child| {
                    let child = &tree.nodes[*child];
                    (Ord::max(depth, child.depth + 1), terms + child.terms)
                }),
                _ => (0, 1),
            };
            tree.nodes.push(Node { kind, depth, terms });
        }
        tree
    }

    /// Makes one IN of the values that one column may equal. Databases plan the terms of an OR one by one, some of them each
    /// with each.
    fn gather(&mut self, operands: &mut Vec<usize>) {
        let mut gathered: Option<(usize, Term)> = None;
        operands.retain(|operand| {
            let Kind::Term(term, false) = &self.nodes[*operand].kind else { return true };
            match &mut gathered {
                None => {
                    gathered = term.list().map(|list| (*operand, list));
                    true
                }
                Some((_, list)) => !list.takes(term),
            }
        });
        if let Some((first, list)) = gathered {
            self.nodes[first].kind = Kind::Term(list, false);
        }
    }

    fn take(&mut self, node: usize) -> Kind {
        std::mem::replace(&mut self.nodes[node].kind, Kind::Moved)
    }

    fn render(mut self, backend: Backend) -> Expr {
        let mut written = Written { backend, pattern: String::new(), terms: Vec::new() };
        let root = self.nodes.len() - 1;
        self.write(root, &mut written);
        Expr::cust_with_exprs(written.pattern, written.terms)
    }

    fn write(&mut self, node: usize, written: &mut Written) {
        if self.nodes[node].depth > PLAIN_DEPTH_MAX {
            return self.write_deep(node, written);
        }
        match self.take(node) {
            Kind::Moved => unreachable!("each node has one parent, which writes it once"),
            Kind::Term(term, inverted) => written.term(term, inverted),
            Kind::Join(join, children) if children.is_empty() => written.truth(join == Join::All),
            Kind::Join(join, children) => self.write_list(join, &children, written),
        }
    }

    fn write_list(&mut self, join: Join, children: &[usize], written: &mut Written) {
        let operator = match join {
            Join::All => " AND ",
            Join::Any => " OR ",
        };
        if children.len() > BESIDE_MAX {
            let (left, right) = children.split_at(children.len() / 2);
            written.pattern.push('(');
            self.write_list(join, left, written);
            written.pattern.push_str(operator);
            self.write_list(join, right, written);
            written.pattern.push(')');
            return;
        }
        for (index, child) in children.iter().enumerate() {
            written.pattern.push_str(if index == 0 { "(" } else { operator });
            self.write(*child, written);
        }
        written.pattern.push(')');
    }

    /// Writes a node that is deep as a CASE, which asks one question after the other from the outermost operator inwards:
    /// one flat list where a chain of operators is as deep as it is long. It is only told whether a condition is true,
    /// which suffices without NOT. Of the children the one with the most terms is followed, so that CASEs nest no deeper
    /// than the logarithm of all terms.
    fn write_deep(&mut self, node: usize, written: &mut Written) {
        let mut node = node;
        written.pattern.push_str("CASE");
        while self.nodes[node].depth > PLAIN_DEPTH_MAX {
            let Kind::Join(join, mut children) = self.take(node) else {
                unreachable!("only what joins others is deep")
            };
            let Some(largest) = (0..children.len()).max_by_key(|index| self.nodes[children[*index]].terms)
            else {
                unreachable!("what joins nothing is not deep")
            };
            node = children.swap_remove(largest);
            for child in children {
                written.pattern.push_str(" WHEN (");
                self.write(child, written);
                written.pattern.push_str(match join {
                    Join::All => ") IS NOT TRUE THEN FALSE",
                    Join::Any => ") THEN TRUE",
                });
            }
        }
        written.pattern.push_str(" ELSE (");
        self.write(node, written);
        written.pattern.push_str(") END");
    }
}

/// The text of a condition with places for its terms.
struct Written {
    backend: Backend,
    pattern: String,
    terms: Vec<Expr>,
}

impl Written {
    fn term(&mut self, term: Term, inverted: bool) {
        self.terms.push(term.on(self.backend));
        let (before, behind) = if inverted { ("NOT (", ")") } else { ("(", ")") };
        self.pattern.push_str(before);
        match self.backend {
            Backend::Postgres => {
                // Writing to a string cannot fail.
                let _ = write!(self.pattern, "${}", self.terms.len());
            }
            Backend::Sqlite | Backend::MySql => self.pattern.push('?'),
        }
        self.pattern.push_str(behind);
    }

    fn truth(&mut self, holds: bool) {
        self.pattern.push_str(if holds { "(1 = 1)" } else { "(1 = 0)" });
    }
}

#[cfg(test)]
mod tests {
    use sea_query::{ExprTrait, Query};

    use super::*;

    fn term(name: &'static str) -> Condition {
        Expr::col(name).eq(1).into()
    }

    fn shown(condition: Condition) -> String {
        let mut select = Query::select();
        select.column("a").from("t").cond_where(condition.render(Backend::Sqlite));
        let text = Backend::Sqlite.render(&select).0;
        text.replace('"', "").trim_start_matches("SELECT a FROM t WHERE ").to_owned()
    }

    #[test]
    fn not_moves_to_the_terms_and_equal_operators_become_one_list() {
        use Join::{All, Any};
        let both = |join, one: Condition, other| one.and_then(join, other);
        assert_eq!(shown(term("a")), "a = ?");
        assert_eq!(shown(term("a").inverted().inverted()), "a = ?");
        let nested = both(All, both(Any, term("a"), term("b")).inverted(), term("c"));
        assert_eq!(shown(nested), "(NOT (a = ?) AND NOT (b = ?) AND (c = ?))");
        assert_eq!(shown(Condition::joined(Any, [])), "(1 = 0)");
        assert_eq!(shown(Condition::joined(All, []).inverted()), "(1 = 0)");
    }

    /// A deep chain is a flat CASE, and the text of any filter is no deeper than the logarithm of its terms.
    #[test]
    fn the_text_is_never_deep() {
        let depth = |text: &str| {
            text.chars().fold((0_i64, 0), |(open, deepest): (i64, i64), character| {
                let open = open + i64::from(character == '(') - i64::from(character == ')');
                (open, Ord::max(deepest, open))
            })
        };
        let chain = |join: fn(usize) -> Join| {
            (0..6_000).fold(term("a"), |all, index| all.and_then(join(index), term("b")))
        };
        for condition in [
            chain(|_| Join::Any),
            chain(|index| if index % 2 == 0 { Join::Any } else { Join::All }),
            (0..6_000).fold(term("a"), |all, _| all.and_then(Join::All, term("b")).inverted()),
        ] {
            let (open, deepest) = depth(&shown(condition));
            assert!(open == 0 && deepest < 100, "{deepest}");
        }
    }
}
