//! Writes answers and refusals in the XML of AWS's query protocol.

use crate::refusal::Refusal;

/// Returns a good answer; an action without a result has `None`.
pub(crate) fn response(action: &str, namespace: &str, result: Option<&str>, request_id: &str) -> String {
    let result = result.map(|body| wrap(&format!("{action}Result"), body)).unwrap_or_default();
    let metadata = wrap("ResponseMetadata", &element("RequestId", request_id));
    format!("<{action}Response xmlns=\"{namespace}\">\n{result}{metadata}</{action}Response>\n")
}

/// Writes a refusal in the form that every query service of AWS uses.
pub(crate) fn refusal(refusal: &Refusal, namespace: &str, request_id: &str) -> String {
    let side = if refusal.status < 500 { "Sender" } else { "Receiver" };
    let fields = element("Type", side) + &element("Code", &refusal.code) + &element("Message", &refusal.message);
    let error = wrap("Error", &fields);
    let id = element("RequestId", request_id);
    format!("<ErrorResponse xmlns=\"{namespace}\">\n{error}{id}</ErrorResponse>\n")
}

pub(crate) fn wrap(name: &str, inner: &str) -> String {
    format!("<{name}>\n{inner}</{name}>\n")
}

pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use crate::refusal::Refusal;

    #[test]
    fn ugly_characters_stay_text() {
        let refusal = Refusal::validation("Value '<a&b>' at \"x\"");
        let xml = super::refusal(&refusal, "urn:x", "id");
        assert!(xml.contains("<Message>Value '&lt;a&amp;b&gt;' at &quot;x&quot;</Message>"));
        assert!(xml.contains("<Type>Sender</Type>"));
    }
}
