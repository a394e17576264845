//! `more ask`: one question to the person, with a few answers to choose from.

use super::{Answer, Context};

/// Asks: the question first, then the options, the assumed one first of them.
///
/// # Errors
/// Words for the model.
pub(super) async fn ask(context: &mut Context, args: &[String]) -> Result<Answer, String> {
    let [question, first, second, rest @ ..] = args else {
        return Err("ask takes a question and two or three options, the one you assume first".to_owned());
    };
    let options: Vec<(&str, &str)> = [first, second]
        .into_iter()
        .chain(rest.iter().take(3))
        .map(|option| (option.as_str(), option.as_str()))
        .collect();
    // Once per point: what was answered, in whatever way, is not asked again.
    if let Some(answer) = context.answers.iter().find_map(|known| known.strip_prefix(&format!("{question} ")))
    {
        return Ok(Answer::ok(format!("This was asked already: {answer}"), "asked already"));
    }
    context.patience = context.services.patience;
    let answer = context.ask(question, "", &options).await;
    context.patience = None;
    Ok(match answer {
        Some(option) if option == super::SPOKEN => {
            Answer::ok("The person did not choose but said what follows.", "answered in words")
        }
        Some(option) => Answer::ok(format!("The person chose: {option}"), format!("answered: {option}")),
        None => Answer::ok(
            format!("No answer. Go on with your assumption ({first}) and say so in the summary."),
            "not answered; goes on with the assumption",
        ),
    })
}
