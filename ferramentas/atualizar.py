"""Refaz o que é derivado: endereços, módulo exportado, modelo pronto, figuras, página do capítulo, saídas, lista de provas e guia de quem ensina.

Uso: python curso.py atualizar [ETAPA ...] [--licao NN ...]
Sem etapas, faz todas, nesta ordem: enderecos exportar modelo figuras montar executar provas guia.
A etapa pinos, que usa a rede, só se faz quando pedida: refaz as travas do que se instala.
"""

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

import nbformat

from cadernos import AJUSTES, CAPITULO, PAGINA, RAIZ, licoes, sem_marcas

# O que se pode pular; o que se ensinou antes, agora com as conferências de entrada; o que só serve às outras células.
DOBRAS = {"conferencia", "endurecida", "apoio"}
TITULO = "#@title"
METADADOS = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PREPARACAO = Path(__file__).with_name("preparacao.py").read_text(encoding="utf-8").rstrip().format_map(AJUSTES)


def ler(caminho):
    return nbformat.read(caminho, as_version=4)


def titulo_da_dobra(celula, secao):
    """O que se lê no lugar de uma célula fechada, se ela não diz outra coisa."""
    if tem_rotulo(celula, "conferencia"):
        return f"Conferência: {secao}"
    definidos = [no.name for no in ast.parse(celula.source).body if isinstance(no, ast.ClassDef | ast.FunctionDef)]
    return ("Endurecida: " if tem_rotulo(celula, "endurecida") else "Apoio: ") + ", ".join(f"`{nome}`" for nome in definidos)


def dobrar(celula, secao):
    """Fecha a célula que o rótulo manda fechar, no JupyterLab e no Colab; abre a que já não o tem.

    O título do Colab vem depois das linhas `#|`: antes delas, o nbdev não exportaria nada, e calado.
    """
    rotulos = celula.metadata.get("tags", [])
    celula.metadata = nbformat.from_dict({"tags": rotulos} if rotulos else {})
    if celula.cell_type != "code":
        return
    linhas = celula.source.split("\n")
    diretivas = [linha for linha in linhas if linha.startswith("#|")]
    titulos = [linha for linha in linhas if linha.startswith(TITULO)]
    corpo = [linha for linha in linhas if not linha.startswith(("#|", TITULO))]
    if DOBRAS & set(rotulos):
        celula.metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
        titulos = titulos[:1] or [f"{TITULO} {titulo_da_dobra(celula, secao)}"]
    else:
        titulos = []
    celula.source = "\n".join([*diretivas, *titulos, *corpo])


def dobrar_todas(caderno):
    secao = ""
    for celula in caderno.cells:
        if celula.cell_type == "markdown":
            secao = ([secao] + re.findall(r"^#+ (.+)$", sem_marcas(celula.source), re.MULTILINE))[-1]
        dobrar(celula, secao)
    return caderno


def gravar(caderno, caminho):
    """Grava com metadados mínimos, para que uma reexecução igual dê um arquivo igual."""
    caderno.metadata = nbformat.from_dict(METADADOS)
    dobrar_todas(caderno)
    for celula in caderno.cells:
        for saida in celula.get("outputs", []):
            # Sem o estado do painel, que não se guarda, o JupyterLab mostraria um erro no lugar dele.
            saida.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    nbformat.validate(caderno)
    nbformat.write(caderno, caminho)


def tem_rotulo(celula, rotulo):
    return rotulo in celula.metadata.get("tags", [])


def selo(lugar):
    """Onde o Colab abre um notebook. Ele só abre sozinho o que está no GitHub; de outro servidor, é o aluno que lhe envia."""
    dono = AJUSTES["repositorio"].partition("https://github.com/")[2]
    return "https://colab.research.google.com/" + (f"github/{dono}/blob/{AJUSTES['ref']}/{lugar}" if dono else f"#{lugar}")


def relato(caminho):
    """O endereço de «Achou um erro?», com o formulário já meio preenchido."""
    corpo = f"Onde: {caminho.name}, na seção…\nEstá assim:\nDeveria estar assim:\nVersão do curso: {AJUSTES['versao']}\n"
    return f"{AJUSTES['repositorio']}/issues/new?" + urlencode({"title": f"Erro em {caminho.stem}", "body": corpo}, quote_via=quote)


def no_endereco(texto, relato, lugar=r"\g<lugar>"):
    """O texto com tudo o que se clica ou se clona no endereço do pyproject; `lugar` é o notebook que o selo abre."""
    notebook = rf"(?P<lugar>{AJUSTES['capitulo']}/[\w-]+\.ipynb)"
    texto = re.sub(r"https://colab\.research\.google\.com/(github/[^)\s]+?/|#)" + notebook, selo(lugar), texto)
    texto = re.sub(r"https://[\w.:-]+/[\w./~-]+/issues/new[^)\s]*", relato, texto)
    return re.sub(r"(git clone )https://[^\s`]+", rf"\g<1>{AJUSTES['repositorio']}", texto)


def com_enderecos(caderno, caminho):
    """Põe o repositório e a ref do pyproject na célula de preparação, no selo do Colab e no «Achou um erro?»."""
    for celula in caderno.cells:
        if tem_rotulo(celula, "preparacao"):
            celula.source = PREPARACAO
        elif celula.cell_type == "markdown":
            celula.source = no_endereco(celula.source, relato(caminho), caminho.relative_to(RAIZ).as_posix())
    return caderno


def enderecos():
    for caminho in [*licoes(), PAGINA]:
        gravar(com_enderecos(ler(caminho), caminho), caminho)
    for caminho in [RAIZ / "README.md", *CAPITULO.glob("*.md"), *CAPITULO.glob("*.html"), RAIZ / "ferramentas" / "abertura.md"]:
        antes = caminho.read_text(encoding="utf-8")
        depois = no_endereco(antes, f"{AJUSTES['repositorio']}/issues/new")
        if depois != antes:
            caminho.write_text(depois, encoding="utf-8", newline="\n")


def exportar_licao(caminho, pasta):
    """As salas de uma lição. O nbdev só recomeça a primeira (`default_exp`); nas outras, acrescentaria ao que já há."""
    from nbdev.export import nb_export
    from nbdev.maker import ModuleMaker

    nb_export(caminho, lib_path=pasta, mod_maker=lambda **ajustes: ModuleMaker(**ajustes | {"is_new": True}))
    for sala in pasta.glob("*.py"):
        escrito = sala.read_text(encoding="utf-8")
        if f"\n{TITULO}" in escrito:
            sala.write_text(re.sub(rf"^{TITULO}.*\n", "", escrito, flags=re.MULTILINE), encoding="utf-8")


def exportar():
    """Exporta uma lição por vez: a pasta inteira reescreveria as salas feitas à mão."""
    for caminho in licoes():
        if any("#| default_exp" in celula.source for celula in ler(caminho).cells):
            exportar_licao(caminho, CAPITULO / "gptmini")


def limpa(celula):
    """O texto da célula sem as linhas do nbdev, sem o título da dobra e sem os ids das afirmações."""
    return sem_marcas("\n".join(linha for linha in celula.source.splitlines() if not linha.startswith(("#|", TITULO)))).strip("\n")


def so_importa(celula):
    return celula.cell_type == "code" and all(re.match(r"(import|from) ", linha) for linha in limpa(celula).splitlines() if linha)


def juntos(imports):
    """As linhas de import em ordem, os do PyTorch no fim, e uma só por módulo."""
    de = {}
    for linha in imports:
        casa, _, nomes = linha.partition(" import ")
        de.setdefault(casa, set()).update(nomes.split(", ") if nomes else ())
    linhas = [f"{casa} import {', '.join(sorted(nomes))}" if nomes else casa for casa, nomes in de.items()]
    return sorted(linhas, key=lambda linha: (linha.split()[1].startswith("torch"), linha.split()[1], linha))


def pagina():
    """O capítulo numa página: as células com o rótulo `capitulo`, entre a abertura e o fecho, com os imports reunidos no começo."""
    escolhidas = [c for caminho in licoes() for c in ler(caminho).cells if tem_rotulo(c, "capitulo")]
    imports = juntos({linha for c in escolhidas if so_importa(c) for linha in limpa(c).splitlines() if linha})
    abertura, fecho = (Path(__file__).with_name(f"{nome}.md").read_text(encoding="utf-8").rstrip() for nome in ("abertura", "fecho"))
    endurecidas = [c for c in escolhidas if tem_rotulo(c, "endurecida") and not so_importa(c)]
    celulas = [
        nbformat.v4.new_markdown_cell(abertura),
        nbformat.v4.new_code_cell(PREPARACAO, metadata={"tags": ["preparacao"]}),
        nbformat.v4.new_code_cell("\n".join(imports)),
    ]
    if endurecidas:     # só se chamam depois: na página, uma célula fechada as reúne
        reunidas = "\n\n\n".join(limpa(c) for c in endurecidas)
        celulas.append(nbformat.v4.new_code_cell(f"{TITULO} Endurecida: o que cada função confere antes de fazer a conta\n{reunidas}",
                                                 metadata={"tags": ["endurecida"]}))
    for celula in escolhidas:
        if so_importa(celula) or celula in endurecidas:
            continue
        nova = (nbformat.v4.new_markdown_cell if celula.cell_type == "markdown" else nbformat.v4.new_code_cell)(limpa(celula))
        rotulos = [r for r in celula.metadata["tags"] if r not in ("capitulo", "slide")]
        nova.metadata = nbformat.from_dict({"tags": rotulos} if rotulos else {})
        celulas.append(nova)
    celulas.append(nbformat.v4.new_markdown_cell(fecho))
    for i, celula in enumerate(celulas):
        celula["id"] = f"pagina-{i:02d}"
    return dobrar_todas(com_enderecos(nbformat.v4.new_notebook(cells=celulas), PAGINA))


def montar():
    """Grava a página; se nenhum código mudou (fora a preparação), com as saídas que já tinha."""
    nova, velha = pagina(), ler(PAGINA)
    codigo = [[c for c in caderno.cells if c.cell_type == "code"] for caderno in (nova, velha)]
    fontes = [[c.source for c in celulas if not tem_rotulo(c, "preparacao")] for celulas in codigo]
    if fontes[0] == fontes[1]:
        for celula, guardada in zip(*codigo, strict=True):
            celula.outputs, celula.execution_count = guardada.outputs, guardada.execution_count
    gravar(nova, PAGINA)


def modelo():
    """Treina o modelo pronto pela receita da lição 06 e o guarda ao lado do módulo."""
    from apoio import historinhas, pronto

    model, tokenizer, passos, _, validacao = pronto.treinar()
    pronto.guardar(model, tokenizer, pronto.PRONTO, semente=0, gramatica=historinhas.padrao().assinatura,
                   excesso=historinhas.excesso(model, tokenizer, validacao))
    print(f"modelo pronto: {len(passos)} passos em {passos[-1].seconds:.0f} s, "
          f"excesso {pronto.ler(pronto.PRONTO)[2]['excesso']:.4f} nat por token")


def executar(caminhos=None):
    """Roda cada notebook de ponta a ponta, na pasta dele, e guarda as saídas."""
    from nbclient import NotebookClient

    for caminho in caminhos or [*licoes(), PAGINA]:
        caderno = ler(caminho)
        NotebookClient(caderno, timeout=900, kernel_name="python3", record_timing=False, coalesce_streams=True,
                       resources={"metadata": {"path": str(caminho.parent)}}).execute()
        gravar(caderno, caminho)
        print(f"executado: {caminho.name}")


def figuras():
    """Redesenha a galeria, com os números do modelo pronto."""
    subprocess.run([sys.executable, str(RAIZ / "infograficos" / "desenhar.py")], check=True)


def provas():
    """Reescreve provas.md: o que o curso afirma e onde se prova."""
    import afirmacoes

    afirmacoes.escrever()


def guia():
    """Reescreve, no guia de quem ensina, a tabela dos exercícios."""
    import guia

    guia.escrever()


def pinos():
    """Refaz as travas do que se instala."""
    import pinos

    pinos.refazer()


ETAPAS = {"enderecos": enderecos, "exportar": exportar, "modelo": modelo, "figuras": figuras, "montar": montar,
          "executar": executar, "provas": provas, "guia": guia, "pinos": pinos}
SO_PEDIDAS = {"pinos"}


def main():
    opcoes = argparse.ArgumentParser(prog="curso.py atualizar", description=__doc__.splitlines()[0])
    opcoes.add_argument("etapas", nargs="*", metavar="ETAPA", help=", ".join(ETAPAS) + " (padrão: todas menos pinos)")
    opcoes.add_argument("--licao", action="append", metavar="NN", help="na etapa executar, só estas lições (ou «notebook»)")
    pedido = opcoes.parse_args()
    desconhecidas = set(pedido.etapas) - set(ETAPAS)
    if desconhecidas:
        sys.exit(f"não conheço a etapa {', '.join(desconhecidas)}; existem: {', '.join(ETAPAS)}.")
    sys.path.insert(0, str(CAPITULO))
    os.environ["PYTHONPATH"] = str(CAPITULO)
    for nome, etapa in ETAPAS.items():
        if nome not in (pedido.etapas or ETAPAS.keys() - SO_PEDIDAS):
            continue
        if nome == "executar" and pedido.licao:
            executar([c for c in [*licoes(), PAGINA] if c.name.startswith(tuple(pedido.licao))])
        else:
            etapa()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\ninterrompido.")
