import { createAuth0Client } from "@auth0/auth0-spa-js";
import { clickIdOfPage } from "../click-id.ts";

const domain: string = import.meta.env.VITE_AUTH0_DOMAIN;
const client_id: string = import.meta.env.VITE_AUTH0_CLIENT_ID;
const connection = "Username-Password-Authentication";

const auth0 = await createAuth0Client({
  domain,
  clientId: client_id,
  authorizationParams: { redirect_uri: location.origin },
});

/** Universal Login and social connections: the post-login Action (post-login-action.js) writes the click id. */
async function universalLogin() {
  const dubClickId = clickIdOfPage();
  await auth0.loginWithRedirect({ authorizationParams: { screen_hint: "signup", "ext-dub_id": dubClickId } });
}

/** A form of your own, for a database connection. */
async function ownForm(email: string, password: string) {
  const dubClickId = clickIdOfPage();
  const user_metadata = dubClickId ? { dubClickId } : {};
  const response = await fetch(`https://${domain}/dbconnections/signup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_id, connection, email, password, user_metadata }),
  });
  say(response.ok ? "You are signed up." : `Not signed up: ${await response.text()}`);
}

function say(text: string) {
  const said = document.querySelector("#said");
  if (said) said.textContent = text;
}

document.querySelector("#universal-login")?.addEventListener("click", universalLogin);
document.querySelector<HTMLFormElement>("#own-form")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.currentTarget as HTMLFormElement);
  ownForm(String(form.get("email")), String(form.get("password")));
});

if (new URLSearchParams(location.search).has("state")) {
  await auth0.handleRedirectCallback();
  history.replaceState({}, "", "/");
  say(`You are signed in as ${(await auth0.getUser())?.name}.`);
}

const claims = await auth0.getIdTokenClaims();
if (claims) await window.tellClick?.(claims.__raw);
