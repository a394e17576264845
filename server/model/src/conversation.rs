//! The conversation as every API wants it: each call answered directly after the reply that made it.
//!
//! Decides what happens to what does not fit, so that no history is ever refused: a call without result gets one
//! that says so, a result without call (of a broken call, say) becomes words. Entries only follow from entries
//! before them, so a longer conversation has the same beginning.

use std::borrow::Cow;

use crate::exchange::{Item, Reply, Request, ToolCall, ToolSpec};

/// One step of a conversation in sendable order.
pub(crate) enum Part<'a> {
    /// Words of the person's or the harness's.
    User(Cow<'a, str>),
    /// A reply that has something to send.
    Reply(&'a Reply),
    /// The answers to all calls of the reply before, in the calls' order.
    Answers(&'a Reply, Vec<Answer<'a>>),
}

/// The answer to one call.
pub(crate) struct Answer<'a> {
    /// The call.
    pub call: &'a ToolCall,
    /// Its output.
    pub output: &'a str,
    /// The call failed.
    pub is_error: bool,
}

const NOT_RUN: &str = "No result: the call was not run.";

/// The conversation in groups that are rendered each by itself: a reply with the results after it, or a single
/// item.
pub(crate) fn groups(items: &[Item]) -> Vec<&[Item]> {
    let mut groups = Vec::with_capacity(items.len());
    let mut rest = items;
    while let Some(first) = rest.first() {
        let results = match first {
            Item::Reply(_) => {
                rest[1..].iter().take_while(|item| matches!(item, Item::ToolResult { .. })).count()
            }
            Item::User(_) | Item::ToolResult { .. } => 0,
        };
        let (group, left) = rest.split_at(1 + results);
        groups.push(group);
        rest = left;
    }
    groups
}

/// The conversation's parts.
pub(crate) fn parts(items: &[Item]) -> Vec<Part<'_>> {
    let mut parts = Vec::with_capacity(items.len());
    let mut rest = items.iter().peekable();
    while let Some(item) = rest.next() {
        match item {
            Item::User(text) => parts.push(Part::User(text.as_str().into())),
            Item::ToolResult { .. } => parts.extend(as_words(item)),
            Item::Reply(reply) => {
                if has_content(reply) {
                    parts.push(Part::Reply(reply));
                }
                let mut results = Vec::new();
                while let Some(result) = rest.next_if(|item| matches!(item, Item::ToolResult { .. })) {
                    results.push(result);
                }
                answer(reply, &results, &mut parts);
            }
        }
    }
    parts
}

fn answer<'a>(reply: &'a Reply, results: &[&'a Item], parts: &mut Vec<Part<'a>>) {
    let mut used = vec![false; results.len()];
    let answers: Vec<Answer> = reply
        .calls
        .iter()
        .map(|call| {
            let found = results.iter().enumerate().find_map(|(index, item)| match item {
                Item::ToolResult { call_id, output, is_error, .. }
                    if *call_id == call.call_id && !used[index] =>
                {
                    Some((index, output.as_str(), *is_error))
                }
                _ => None,
            });
            let (output, is_error) = match found {
                Some((index, output, is_error)) => {
                    used[index] = true;
                    (output, is_error)
                }
                None => (NOT_RUN, true),
            };
            Answer { call, output, is_error }
        })
        .collect();
    if !answers.is_empty() {
        parts.push(Part::Answers(reply, answers));
    }
    let left = results.iter().zip(&used).filter(|(_, used)| !**used);
    parts.extend(left.filter_map(|(item, _)| as_words(item)));
}

fn as_words(item: &Item) -> Option<Part<'_>> {
    match item {
        Item::ToolResult { name, output, .. } => Some(Part::User(format!("[{name}] {output}").into())),
        _ => None,
    }
}

fn has_content(reply: &Reply) -> bool {
    !(reply.raw.is_empty()
        && reply.text.is_empty()
        && reply.calls.is_empty()
        && reply.broken_calls.is_empty())
}

/// The words of a reply that is sent in its neutral form. Calls that were dropped leave a note, so that what the
/// model is told of them has something to stand on.
pub(crate) fn neutral_text(reply: &Reply) -> Cow<'_, str> {
    if !reply.text.is_empty() || !reply.calls.is_empty() || reply.broken_calls.is_empty() {
        return reply.text.as_str().into();
    }
    let names: Vec<&str> = reply.broken_calls.iter().map(|call| call.name.as_str()).collect();
    format!("(A call to {} was cut off or not valid, and was not run.)", names.join(", ")).into()
}

/// The tools sorted by name.
pub(crate) fn sorted_tools(request: &Request) -> Vec<&ToolSpec> {
    let mut tools: Vec<&ToolSpec> = request.tools.iter().collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    tools
}

/// The argument object of a free-text call, for APIs that know only JSON arguments.
pub(crate) fn wrapped(call: &ToolCall) -> Cow<'_, str> {
    if call.free_text {
        crate::json::Object::new().field(FREE_TEXT, &call.arguments).finish().into()
    } else if call.arguments.trim().is_empty() {
        "{}".into()
    } else {
        call.arguments.as_str().into()
    }
}

/// The only argument of a free-text tool, for APIs that know only JSON arguments.
pub(crate) const FREE_TEXT: &str = "input";

/// The schema of a tool, for APIs that know only JSON arguments.
pub(crate) fn json_schema(tool: &ToolSpec) -> Cow<'_, serde_json::Value> {
    if tool.free_text {
        Cow::Owned(serde_json::json!({
            "type": "object",
            "properties": { FREE_TEXT: { "type": "string" } },
            "required": [FREE_TEXT],
        }))
    } else {
        Cow::Borrowed(&tool.schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> ToolCall {
        ToolCall { call_id: id.into(), name: "read".into(), arguments: "{}".into(), free_text: false }
    }

    fn result(id: &str) -> Item {
        Item::ToolResult {
            call_id: id.into(),
            name: "read".into(),
            free_text: false,
            output: format!("output of {id}"),
            is_error: false,
        }
    }

    fn shown(items: &[Item]) -> Vec<String> {
        let show = |part: &Part| match part {
            Part::User(text) => format!("user {text}"),
            Part::Reply(_) => "reply".into(),
            Part::Answers(_, answers) => {
                answers.iter().map(|it| format!("{}={} ", it.call.call_id, it.output)).collect()
            }
        };
        parts(items).iter().map(show).collect()
    }

    #[test]
    fn every_call_is_answered_in_its_order_and_strays_become_words() {
        let reply = Reply { calls: vec![call("a"), call("b")], ..Reply::default() };
        let items = [
            Item::User("go".into()),
            Item::Reply(reply),
            result("b"),
            result("x"),
            Item::User("steer".into()),
            result("a"),
        ];
        assert_eq!(
            shown(&items),
            [
                "user go",
                "reply",
                "a=No result: the call was not run. b=output of b ",
                "user [read] output of x",
                "user steer",
                "user [read] output of a"
            ]
        );
    }

    #[test]
    fn a_reply_of_nothing_is_left_out_and_one_of_broken_calls_leaves_a_note() {
        let broken = Reply { broken_calls: vec![call("a")], ..Reply::default() };
        assert!(neutral_text(&broken).contains("read"));
        assert_eq!(shown(&[Item::Reply(Reply::default()), Item::Reply(broken)]), ["reply"]);
    }
}
