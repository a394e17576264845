//! From what a provider streamed to a reply that may be trusted.
//!
//! Decides which calls are complete (their arguments parse, nothing was cut), makes missing and doubled ids
//! unique without chance, drops a call that a fault sent twice, and turns refused, filtered and empty replies
//! into errors.

use std::collections::HashSet;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::conversation::FREE_TEXT;
use crate::error::ModelError;
use crate::exchange::{Item, Reply, Request, Stop, ToolCall, Usage};
use crate::json;

/// A reply as an adapter put it together, not yet judged.
#[derive(Default)]
pub(crate) struct Draft {
    /// The provider's output items in order.
    pub items: Vec<DraftItem>,
    /// The visible text.
    pub text: String,
    /// Reasoning, as far as it is shown.
    pub reasoning: String,
    /// Why it ended.
    pub stop: Stop,
    /// The provider's word for a refusal or filter, and what it said.
    pub refusal: Option<(String, String)>,
    /// The provider's count.
    pub usage: Option<Usage>,
    /// The service tier, by the provider's word.
    pub tier: Option<String>,
    /// The model, by the provider's word.
    pub model: String,
    /// Fields of the whole message that go back as they came, where the API has no items.
    pub kept: Map<String, Value>,
}

/// One output item.
pub(crate) enum DraftItem {
    /// Sent back as it is.
    Raw(Box<RawValue>),
    /// Sent back as it is, but only where another item follows it.
    Lead(Box<RawValue>),
    /// A tool call.
    Call(DraftCall),
}

/// A tool call, not yet judged.
pub(crate) struct DraftCall {
    /// Id as given; may be empty.
    pub id: String,
    /// Name as given.
    pub name: String,
    /// Argument text as given.
    pub arguments: String,
    /// The API itself knows it as a free-text call.
    pub free_text: bool,
    /// It is known to be incomplete.
    pub cut: bool,
    /// The item to send back.
    pub raw: Box<RawValue>,
}

/// The form of an API's output items.
pub(crate) trait Form {
    /// A call's item with another id.
    fn with_id(&self, item: &RawValue, id: &str) -> Option<Box<RawValue>>;

    /// The reply with its raw items as they go back, where that is not simply the items of the calls.
    fn complete(&self, reply: Reply, _kept: &Map<String, Value>) -> Reply {
        reply
    }
}

/// Judges a draft. `origin` is whose form the raw items have.
pub(crate) fn settle<F: Form + ?Sized>(
    draft: Draft,
    request: &Request,
    origin: &str,
    form: &F,
) -> Result<Reply, ModelError> {
    let usage = draft.usage.unwrap_or_default();
    if let Some((reason, message)) = draft.refusal {
        let message = if message.is_empty() { draft.text } else { message };
        return Err(ModelError::Refused { model: draft.model, reason, message, usage });
    }
    let mut reply = Reply {
        origin: origin.to_owned(),
        text: draft.text,
        reasoning: draft.reasoning,
        stop: draft.stop,
        usage,
        tier: draft.tier,
        model: draft.model,
        attempts: 1,
        ..Reply::default()
    };
    let mut ids = Ids::of(request);
    let mut leads: Vec<Box<RawValue>> = Vec::new();
    for item in draft.items {
        let raw = match item {
            DraftItem::Lead(raw) => {
                leads.push(raw);
                continue;
            }
            DraftItem::Raw(raw) => Some(raw),
            DraftItem::Call(call) => settle_call(call, request, &mut ids, &mut reply, form),
        };
        if let Some(raw) = raw {
            reply.raw.append(&mut leads);
            reply.raw.push(raw);
        }
    }
    finish(reply).map(|reply| form.complete(reply, &draft.kept))
}

fn finish(mut reply: Reply) -> Result<Reply, ModelError> {
    if reply.calls.is_empty() && reply.broken_calls.is_empty() {
        let silent = reply.text.trim().is_empty();
        if silent && reply.stop != Stop::Length {
            return Err(ModelError::EmptyReply { model: reply.model, usage: reply.usage });
        }
        if silent {
            // Nothing was said before the limit: there is nothing to send back.
            reply.raw.clear();
        }
        if reply.stop == Stop::ToolUse {
            reply.stop = Stop::End;
        }
    } else if reply.stop == Stop::End {
        reply.stop = Stop::ToolUse;
    }
    if reply.text.is_empty() && reply.calls.is_empty() {
        // Only broken calls: their note is sent instead of an item without content.
        reply.raw.clear();
    }
    Ok(reply)
}

fn settle_call<F: Form + ?Sized>(
    draft: DraftCall,
    request: &Request,
    ids: &mut Ids,
    reply: &mut Reply,
    form: &F,
) -> Option<Box<RawValue>> {
    let spec = request.tools.iter().find(|tool| tool.name == draft.name);
    let wants_free_text = spec.is_some_and(|tool| tool.free_text);
    let mut call = ToolCall {
        call_id: draft.id,
        name: draft.name,
        arguments: draft.arguments,
        free_text: draft.free_text,
    };
    if !call.free_text && call.arguments.trim().is_empty() && !draft.cut {
        call.arguments = "{}".into();
    }
    let mut sound =
        !draft.cut && !call.name.is_empty() && (call.free_text || json::is_object(&call.arguments));
    if sound && wants_free_text && !call.free_text {
        match unwrap(&call.arguments) {
            Some(text) => (call.arguments, call.free_text) = (text, true),
            None => sound = false,
        }
    }
    if !sound {
        call.call_id = ids.unique(call.call_id);
        reply.broken_calls.push(call);
        return None;
    }
    let same = |other: &ToolCall| other.name == call.name && other.arguments == call.arguments;
    if reply.calls.iter().any(same) {
        return None;
    }
    let given = call.call_id.clone();
    call.call_id = ids.unique(call.call_id);
    let raw = if call.call_id == given { Some(draft.raw) } else { form.with_id(&draft.raw, &call.call_id) };
    if raw.is_none() {
        reply.broken_calls.push(call);
        return None;
    }
    reply.calls.push(call);
    raw
}

/// The free text out of `{"input":"…"}`, or out of the only text there is.
fn unwrap(arguments: &str) -> Option<String> {
    let mut fields: Map<String, Value> = serde_json::from_str(arguments).ok()?;
    let text = match fields.remove(FREE_TEXT) {
        Some(text) => text,
        None if fields.len() == 1 => fields.into_iter().next()?.1,
        None => return None,
    };
    match text {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The ids taken in a conversation, looked up where they stand: a set of all would cost every step what the whole
/// conversation has.
struct Ids<'a> {
    request: &'a Request,
    new: HashSet<String>,
    made: usize,
}

impl<'a> Ids<'a> {
    fn of(request: &'a Request) -> Ids<'a> {
        Ids { request, new: HashSet::new(), made: 0 }
    }

    /// The id itself if it is free, otherwise one made of the turn and a counter: the same reply to the same
    /// conversation always gets the same ids.
    fn unique(&mut self, id: String) -> String {
        let mut id = id;
        while id.is_empty() || self.is_taken(&id) {
            id = format!("{MADE_ID}{}_{}", self.request.turn(), self.made);
            self.made += 1;
        }
        self.new.insert(id.clone());
        id
    }

    fn is_taken(&self, id: &str) -> bool {
        // A call that was broken never went back: the model may send it again under its id.
        let stands = |item: &Item| match item {
            Item::Reply(reply) => reply.calls.iter().any(|call| call.call_id == id),
            _ => false,
        };
        self.new.contains(id) || self.request.items.iter().any(stands)
    }
}

/// How ids begin that the provider did not give.
pub(crate) const MADE_ID: &str = "galley_";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::ToolSpec;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn call(id: &str, name: &str, arguments: &str) -> DraftItem {
        DraftItem::Call(DraftCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
            free_text: false,
            cut: false,
            raw: raw(&format!("\"{id}:{name}\"")),
        })
    }

    fn settled(items: Vec<DraftItem>, text: &str, stop: Stop) -> Result<Reply, ModelError> {
        let tool = |name: &str, free_text| ToolSpec {
            name: name.into(),
            description: String::new(),
            schema: serde_json::json!({}),
            free_text,
        };
        let before = Reply {
            calls: vec![ToolCall {
                call_id: "old".into(),
                name: "read".into(),
                arguments: "{}".into(),
                free_text: false,
            }],
            ..Reply::default()
        };
        let request = Request {
            tools: vec![tool("read", false), tool("patch", true)],
            items: vec![Item::Reply(before)],
            ..Request::default()
        };
        let draft = Draft { items, text: text.into(), stop, model: "m".into(), ..Draft::default() };
        settle(draft, &request, "test", &Plain)
    }

    struct Plain;

    impl Form for Plain {
        fn with_id(&self, _item: &RawValue, id: &str) -> Option<Box<RawValue>> {
            Some(raw(&format!("\"{id}!\"")))
        }
    }

    fn raws(reply: &Reply) -> Vec<&str> {
        reply.raw.iter().map(|raw| raw.get()).collect()
    }

    fn ids(calls: &[ToolCall]) -> Vec<&str> {
        calls.iter().map(|call| call.call_id.as_str()).collect()
    }

    #[test]
    fn cut_and_unparsable_calls_are_never_good_calls() {
        let mut cut = call("c", "read", "{}");
        if let DraftItem::Call(call) = &mut cut {
            call.cut = true;
        }
        let items =
            vec![call("a", "read", "{\"p\":1}"), call("b", "read", "{\"p\":"), cut, call("d", "read", "[1]")];
        let reply = settled(items, "", Stop::ToolUse).unwrap();
        assert_eq!((ids(&reply.calls), ids(&reply.broken_calls)), (vec!["a"], vec!["b", "c", "d"]));
        assert_eq!(raws(&reply), ["\"a:read\""]);
    }

    #[test]
    fn a_reply_of_only_broken_calls_is_no_empty_reply_and_keeps_no_raw() {
        let items = vec![DraftItem::Lead(raw("1")), DraftItem::Raw(raw("2")), call("b", "read", "{")];
        let reply = settled(items, "", Stop::Length).unwrap();
        assert_eq!((reply.broken_calls.len(), reply.raw.len(), &reply.stop), (1, 0, &Stop::Length));
    }

    #[test]
    fn doubled_calls_run_once_and_ids_are_unique() {
        let items = vec![
            call("a", "read", "{\"p\":1}"),
            call("a", "read", "{\"p\":1}"),
            call("a", "read", "{\"p\":2}"),
            call("", "read", "{\"p\":3}"),
            call("old", "read", ""),
        ];
        let reply = settled(items, "", Stop::End).unwrap();
        assert_eq!(ids(&reply.calls), ["a", "galley_1_0", "galley_1_1", "galley_1_2"]);
        assert_eq!(raws(&reply), ["\"a:read\"", "\"galley_1_0!\"", "\"galley_1_1!\"", "\"galley_1_2!\""]);
        assert_eq!(reply.calls[3].arguments, "{}");
        assert_eq!(reply.stop, Stop::ToolUse);
    }

    #[test]
    fn free_text_comes_out_of_its_wrapping() {
        let items = vec![
            call("a", "patch", "{\"input\":\"x\\ny\"}"),
            call("b", "patch", "{\"diff\":\"z\"}"),
            call("c", "patch", "{\"a\":\"1\",\"b\":\"2\"}"),
        ];
        let reply = settled(items, "", Stop::ToolUse).unwrap();
        let texts: Vec<_> =
            reply.calls.iter().map(|call| (call.arguments.as_str(), call.free_text)).collect();
        assert_eq!(texts, [("x\ny", true), ("z", true)]);
        assert_eq!(ids(&reply.broken_calls), ["c"]);
    }

    #[test]
    fn a_lead_without_follower_is_dropped() {
        let items = vec![DraftItem::Lead(raw("1")), DraftItem::Raw(raw("2")), DraftItem::Lead(raw("3"))];
        assert_eq!(raws(&settled(items, "text", Stop::End).unwrap()), ["1", "2"]);
    }

    #[test]
    fn empty_replies_are_errors_but_a_reached_limit_is_said() {
        assert!(matches!(settled(vec![], " \n", Stop::End), Err(ModelError::EmptyReply { .. })));
        assert!(matches!(settled(vec![], "", Stop::Other("odd".into())), Err(ModelError::EmptyReply { .. })));
        let reply = settled(vec![DraftItem::Raw(raw("1"))], "", Stop::Length).unwrap();
        assert_eq!((reply.stop, reply.raw.len()), (Stop::Length, 0));
        assert_eq!(settled(vec![], "done", Stop::ToolUse).unwrap().stop, Stop::End);
    }
}
