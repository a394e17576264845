//! A walk over the elements of an XML document, tolerant of everything: what cannot be read ends the walk.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Something that the walk meets.
pub(super) enum Met {
    /// An element begins: its local name and its attributes.
    Begin(String, BTreeMap<String, String>),
    /// Text inside.
    Text(String),
    /// An element ends.
    End(String),
}

/// Walks over the document that begins at the first `<`; what stands around it is passed over.
pub(super) fn walk(document: &str, mut meet: impl FnMut(Met)) {
    let mut reader = Reader::from_str(document);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => meet(Met::Begin(name(&element), attributes(&element))),
            Ok(Event::Empty(element)) => {
                meet(Met::Begin(name(&element), attributes(&element)));
                meet(Met::End(name(&element)));
            }
            Ok(Event::End(element)) => {
                meet(Met::End(element.local_name().as_ref().to_owned()));
            }
            Ok(Event::Text(text)) => meet(Met::Text((*text).to_owned())),
            Ok(Event::CData(text)) => meet(Met::Text((*text).to_owned())),
            Ok(Event::GeneralRef(reference)) => {
                meet(Met::Text(resolved(&reference)));
            }
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn name(element: &BytesStart<'_>) -> String {
    element.local_name().as_ref().to_owned()
}

fn attributes(element: &BytesStart<'_>) -> BTreeMap<String, String> {
    let mut attributes = element.attributes();
    attributes
        .with_checks(false)
        .flatten()
        .map(|attribute| {
            let value = attribute.value.clone().into_owned();
            let value = quick_xml::escape::unescape(&value).map(|text| text.into_owned()).unwrap_or(value);
            (attribute.key.local_name().as_ref().to_owned(), value)
        })
        .collect()
}

/// The text of `&name;`; the reference itself where nothing is known of it.
fn resolved(reference: &str) -> String {
    let written = format!("&{reference};");
    quick_xml::escape::unescape(&written).map(|text| text.into_owned()).unwrap_or(written)
}
